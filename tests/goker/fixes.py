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
}
