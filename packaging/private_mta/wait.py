"""Waiting for a condition, with a deadline: the only way the demo and the tests wait for another process."""

import time


def until(condition, what, seconds=20.0):
    """Returns the first true value of `condition()`; raises TimeoutError naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.01)
