"""How some of GoKer's bugs were put right, as replacements in the program's source."""

from __future__ import annotations

from goker.harness import Fixes

FIXES: dict[str, Fixes] = {
    # A transaction that is not rolled back keeps who waits for its end.
    "Cockroach13197": [
        ("db.begin(context.Background()) // G1", "db.begin(context.Background()).Rollback()")
    ],
    # A send into a full channel, before anybody receives.
    "Cockroach24808": [
        (
            "\tc.ch <- struct{}{}\n\tstopper",
            "\tselect {\n\tcase c.ch <- struct{}{}:\n\tdefault:\n\t}\n\tstopper",
        )
    ],
    # A queue that waits to be told to stop, which nobody does.
    "Cockroach25456": [
        ("\t\tfor i := 0; i < 2", "\t\tclose(stopper.quiescer)\n\t\tfor i := 0; i < 2")
    ],
    # A question to a node that has stopped.
    "Etcd6857": [
        (
            "\tn.status <- c\n\treturn <-c",
            "\tselect {\n\tcase n.status <- c:\n\t\treturn <-c\n"
            "\tcase <-n.done:\n\t\treturn Status_etcd6857{}\n\t}",
        )
    ],
    # A wait, with a lock held, for one that needs the lock.
    "Etcd6873": [
        (
            "\tdefer wbs.mu.Unlock()\n\tclose(wbs.updatec)\n",
            "\tclose(wbs.updatec)\n\twbs.mu.Unlock()\n",
        )
    ],
    # An answer to one who has gone, thrice.
    "Grpc660": [("done := make(chan bool)", "done := make(chan bool, 1)")],
    "Kubernetes5316": [
        ("ch := make(chan bool)", "ch := make(chan bool, 1)"),
        ("errCh := make(chan error)", "errCh := make(chan error, 1)"),
    ],
    "Moby33781": [("results := make(chan bool)", "results := make(chan bool, 1)")],
    # A loop that waits for its own end.
    "Syncthing5795": [
        ("\t\tclose(c.closed)\n\t\t<-c.dispatcherLoopStopped\n", "\t\tclose(c.closed)\n")
    ],
    # A condition that is never signalled after what it stands for was given up.
    "Moby30408": [("for !p.activated() {", "for !p.activated() && p.activateErr == nil {")],
    # A lock that is kept when the function returns early.
    "Cockroach584": [
        (
            f"{name}() {{\n\tfor {{\n\t\tg.mu.Lock()\n\t\tif g.closed {{\n",
            f"{name}() {{\n\tfor {{\n\t\tg.mu.Lock()\n\t\tif g.closed {{\n\t\t\tg.mu.Unlock()\n",
        )
        for name in ("bootstrap", "manage")
    ],
    "Etcd5509": [
        (
            "return ErrConnClosed_etcd5509 // Missing",
            "r.client.mu.RUnlock()\n\t\t\treturn ErrConnClosed_etcd5509 // Missing",
        )
    ],
    "Moby17176": [
        ("/// Missing devices.Unlock()", "devices.Unlock()"),
        ("doneChan := make(chan bool)", "doneChan := make(chan bool, 1)"),
    ],
    # A lock that is taken twice.
    "Etcd6708": [
        (
            "\tdefer c.Unlock()\n\n\tc.SetEndpoints()",
            "\tc.Unlock()\n\n\tc.SetEndpoints()",
        )
    ],
    "Etcd10492": [("\tle.mu.Lock() // Lock acquired twice here\n\tdefer le.mu.Unlock()\n", "")],
    "Moby36114": [
        (
            "\tsvm.Lock()\n\tdefer svm.Unlock()\n\tsvm.hotRemoveVHDsAtStart()",
            "\tsvm.hotRemoveVHDsAtStart()",
        )
    ],
    # Two locks that are taken in either order.
    "Cockroach7504": [
        ("\tc.mu.Lock() // L2\n\truntime.Gosched()\n\tdefer c.mu.Unlock() // L2\n", "")
    ],
    # A channel that nobody closes.
    "Grpc1424": [
        (
            "lbWatcher(doneChan chan bool) {\n",
            "lbWatcher(doneChan chan bool) {\n\tdefer close(doneChan)\n",
        )
    ],
    "Grpc1275": [
        ("return 0, nil", "return 0, io.EOF"),
        (
            "CloseStream(s *Stream_grpc1275) {\n",
            "CloseStream(s *Stream_grpc1275) {\n"
            "\tclose(s.trReader.(*recvBufferReader_grpc1275).recv.c)\n",
        ),
    ],
    # A context that nobody cancels.
    "Cockroach13755": [
        (
            "rs.initContextClose(context.Background())",
            "rs.initContextClose(context.Background())\n\trs.close(nil)",
        )
    ],
    # Nobody is there to receive.
    "Cockroach35931": [
        (
            "\trc.dataChan <- struct{}{}\n",
            "\tselect {\n\tcase rc.dataChan <- struct{}{}:\n\tdefault:\n\t}\n",
        )
    ],
    "Kubernetes38669": [
        (
            "\tc.result <- Event_kubernetes38669(*event)\n",
            "\tselect {\n\tcase c.result <- Event_kubernetes38669(*event):\n\tdefault:\n\t}\n",
        )
    ],
    "Kubernetes25331": [
        ("resultChan: make(chan bool)", "resultChan: make(chan bool, 1)"),
        ("errChan:    make(chan error)", "errChan:    make(chan error, 1)"),
    ],
    "Cockroach35073": [
        ("rowChannelBufSize_cockroach35073 = 16", "rowChannelBufSize_cockroach35073 = 18")
    ],
    # A wait for the whole group, before all of it was started.
    "Moby25348": [
        ("\t\tgroup.Wait() // Block here\n\t}\n", "\t}\n\tgroup.Wait()\n"),
    ],
}
