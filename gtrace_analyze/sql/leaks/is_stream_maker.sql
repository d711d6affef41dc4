-- Whether a go statement is in the server's end of a connection on which clients open streams, and
-- makes a goroutine for each: that of HTTP/2 in net/http (h2_bundle.go to Go 1.26, then
-- internal/http2/server.go), golang.org/x/net/http2 (server.go) and google.golang.org/grpc
-- (server.go).
CREATE TEMP MACRO is_stream_maker(created_by) AS
    regexp_matches(
        created_by,
        '^(net/http\.\(\*http2serverConn\)|net/http/internal/http2\.\(\*serverConn\)|'
            || 'golang\.org/x/net/http2\.\(\*serverConn\)|'
            || 'google\.golang\.org/grpc\.\(\*Server\)\.serveStreams)\.'
    )
