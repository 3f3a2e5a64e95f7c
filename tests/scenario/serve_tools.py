# SPDX-License-Identifier: Apache-2.0
"""`slipway serve` as scenarios drive it: started on a free port, spoken to byte by byte where that matters."""
import http.client
import json
import socket
import subprocess
from pathlib import Path

from conftest import DEADLINE_S


class Server:
    """One running server of one user; `token` is what that user's scripts would show."""

    def __init__(self, user, *args, env=None):
        self.user = user
        self.token_file = user.home / ".local/state/slipway/token"
        self.log = user.folder / "serve.log"
        options = [] if "--socket" in args else ["--port", "0"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(user.program), "serve", "--json", *options, *map(str, args)],
                                            cwd=user.cwd, env=user.env | (env or {}), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        assert line, self.log.read_text(errors="replace")
        self.uri = json.loads(line)["uri"]
        self.token = self.token_file.read_text().strip()

    @property
    def port(self):
        return int(self.uri.rsplit(":", 1)[1])

    def headers(self, **more):
        return {"Authorization": f"Bearer {self.token}"} | more

    def call(self, method, path, body=None, headers=None):
        """(status, headers with small names, bytes). `headers` None = with the token; JSON for a dict."""
        sent = dict(self.headers() if headers is None else headers)
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path, body=body, headers=sent)
            reply = connection.getresponse()
            return reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
        finally:
            connection.close()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)

    def raw(self, text, end=True):
        """Bytes as they are, and all that comes back until the server closes; "" for a reset."""
        with self.connect() as s:
            try:
                s.sendall(text)
                if end:
                    s.shutdown(socket.SHUT_WR)
                return read_all(s)
            except OSError:  # reset, or closed before all was sent
                return b""

    def peak_kb(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmHWM:"):
                return int(line.split()[1])

    def open_files(self):
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def is_alive(self):
        return self.process.poll() is None

    def stop(self):
        """Ends it as Ctrl-C does; what the sanitizers found is in the log."""
        if self.is_alive():
            self.process.terminate()
        code = self.process.wait(timeout=DEADLINE_S)
        self.process.stdout.close()
        said = self.log.read_text(errors="replace")
        assert "Sanitizer" not in said and "runtime error" not in said, said
        assert code == 0, (code, said)


def read_all(s):
    data = b""
    while chunk := s.recv(65536):
        data += chunk
    return data
