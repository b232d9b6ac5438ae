"""What all tests begin with."""

import signal

if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # Started by nohup. Bots would inherit it, and rightly not heed the signal that a test sends;
    # a handler outlives the terminal as well, and what is executed does not inherit it.
    signal.signal(signal.SIGHUP, lambda *_: None)
