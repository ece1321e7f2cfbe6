#!/usr/bin/env bash
# uvicorn 0.54.0 with httptools 0.9.0: the application gets header values with their trailing blanks.
#
# RFC 9110 (5.5) says that white space around a field value is not part of it and that a parser removes it. uvicorn's
# other parser, h11, does so; hypercorn does too. httptools, which uvicorn prefers when it is installed, removes blanks
# before the value and keeps those after it. So an application that compares values (a host, a token, a signed header)
# or stores them (object metadata) sees another value on the same server, depending on what else is installed.
#
# Observed output:
#   h11 b'me'
#   httptools b'me  '
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install uvicorn==0.54.0 httptools==0.9.0 h11==0.16.0
cat >show.py <<'PY'
import socket
import threading

import uvicorn


async def application(scope, receive, send):
    value = dict(scope["headers"])[b"x-by"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})
    print(parser, value)


for parser in ("h11", "httptools"):
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application, http=parser, lifespan="off", log_level="error"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    with socket.create_connection(listener.getsockname(), timeout=20) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-By:  me  \r\nConnection: close\r\n\r\n")
        while client.recv(4096):
            pass
    server.should_exit = True
    thread.join()
PY
diff <(venv/bin/python show.py) - <<'SEEN'
h11 b'me'
httptools b'me  '
SEEN
echo "as stated"
