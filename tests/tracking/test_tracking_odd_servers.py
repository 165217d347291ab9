"""Whatever a tracking server does, the mirror says it in one line, and the runs come later."""

import contextlib
import socket
import struct
import threading

import pytest
from fire import under_fire

from reglab.core.errors import UserError
from reglab.tracking.mirror.sync import mirror

ANSWERS = {
    "500": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    "401": b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
    "redirects": b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n",
    "HTML": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>",
    "garbage": b"\x00\xff\xfe no HTTP at all\r\n\r\n",
    "half an answer": b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"experiment": {',
    "resets": None,
    "hung": b"",
}


@contextlib.contextmanager
def server(answer: bytes | None):
    """A server that gives every request this answer: None resets the connection, nothing leaves it open."""
    held = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            held.append(connection)
            with contextlib.suppress(OSError):
                connection.recv(65536)
                if answer is None:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if answer != b"":
                    connection.sendall(answer or b"")
                    connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    for connection in held:
        connection.close()


@under_fire
@pytest.mark.parametrize("kind", ANSWERS)
def test_an_odd_server_is_one_line_and_the_runs_come_later(study, kind, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    training = study.begin()
    training.epochs(4)
    training.finish()
    with server(ANSWERS[kind]) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        (problem,) = mirror(study.root, {})
        with pytest.raises(UserError) as raised:
            study.sync("regularizers/dropout")
    for said in (problem, str(raised.value)):
        assert "cannot be used" in said and len(said.splitlines()) == 1, said
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert "1 restored" in study.sync("regularizers/dropout")
