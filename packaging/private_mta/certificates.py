"""A certification authority made on the spot, and the certificates that the scenarios need.

The keys protect nothing: they live as long as the demo or the test. Never use them for real mail.
"""

import subprocess
from pathlib import Path

CA_NAME = "Demo Issuing CA"


class Authority:
    """Makes keys and certificates below `directory` with the openssl command. Trusted by the private Postfix unless it is a stranger."""

    def __init__(self, directory, name=CA_NAME):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.certificate = self.directory / "ca.pem"
        self._key = self.directory / "ca.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                      "-keyout", self._key, "-out", self.certificate)

    def issue(self, label, common_name, usage="serverAuth,clientAuth", days=30, names=()):
        """Returns (certificate file, key file). `common_name` may be empty; a negative `days` is a certificate that has expired."""
        certificate, key, request = (self.directory / f"{label}.{end}" for end in ("pem", "key", "csr"))
        subject = f"/CN={common_name}" if common_name else "/O=Nameless"
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject,
                      "-keyout", key, "-out", request)
        extensions = self.directory / f"{label}.ext"
        lines = ["basicConstraints=CA:FALSE", f"extendedKeyUsage={usage}"]
        if names:
            lines.append("subjectAltName=" + ",".join(f"DNS:{name}" for name in names))
        extensions.write_text("\n".join(lines) + "\n", encoding="ascii")
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial", "-days", days,
                      "-extfile", extensions, "-out", certificate)
        return certificate, key

    def self_signed(self, label, name):
        """A server certificate that nobody vouches for."""
        certificate, key = self.directory / f"{label}.pem", self.directory / f"{label}.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                      "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", certificate)
        return certificate, key

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {arguments[0]} failed: {done.stderr.strip()}")


class Certificates:
    """Every certificate of the scenarios, by label: what a peer may present, and what it proves."""

    def __init__(self, directory):
        directory = Path(directory)
        self.authority = Authority(directory / "ours")
        stranger = Authority(directory / "stranger", "Some Other CA")
        issue = self.authority.issue
        self.server = issue("server", "mail.contoso.example", names=("mail.contoso.example", "localhost"))
        self.client = {
            "fabrikam": issue("fabrikam", "mail.fabrikam.example"),
            "exchange": issue("exchange", "exchange.contoso.example"),
            "wrong-name": issue("wrong-name", "mail.stranger.example"),
            "expired": issue("expired", "mail.fabrikam.example", days=-1),
            "server-only": issue("server-only", "mail.fabrikam.example", usage="serverAuth"),
            "nameless": issue("nameless", ""),
            "untrusted": stranger.issue("untrusted", "mail.fabrikam.example"),
        }
