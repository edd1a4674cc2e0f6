"""A private mail server on loopback: Postfix or Sendmail, our daemon, certificates and a raw SMTP client, for the demo and the tests.

Everything lives below one directory of the caller and on free ports of 127.0.0.1. Nothing here may touch the system's own
Postfix, end a process it did not start, or use more than Debian's Python and its standard library.
"""

import os

# Postfix, sendmail and saslpasswd2 live where a root that came by `su` does not look.
os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
