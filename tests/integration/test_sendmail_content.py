"""The hostile messages of test_hostile_content.py through real Sendmail."""

import test_hostile_content
from private_mta.sendmail_host import SendmailHost
from test_sendmail import EXCHANGE


class SendmailContent(test_hostile_content.Content):
    """Sendmail reads headers in its own way, and refuses more."""

    kind = SendmailHost
    config = test_hostile_content.CONFIG.replace("10.1.0.0/24", "127.10.0.0/24")
    own_server, clients = EXCHANGE, (EXCHANGE,)  # the one whose mail gets a header of ours: exactly that one may be found

    def test_body_that_looks_like_a_header(self):
        """first lines of the body that look like headers stay in the body; a bare LF is refused"""
        contents = [b"Subject: x\r\n" + end + test_hostile_content.TRUST + b"\r\n\r\nHello.\r\n" for end in (b"\r\n", b"\r\n\r\n", b" \r\n\r\n", b"\n")]
        self.assertEqual(self.transmit(contents), {"delivered": 3, "refused": 1})

    def test_thousand_headers(self):
        """as many forged headers as Sendmail takes (32 kB): gone; more are refused by it"""
        forged, rest = b"X-Connector-Trust: internal\r\n", test_hostile_content.REST
        self.assertEqual(self.transmit([forged * 1000 + rest, (forged + b"X-Kept: y\r\n") * 700 + rest])["refused"], 0)
        self.assertEqual(self.transmit([forged * 1300 + rest])["delivered"], 0)
