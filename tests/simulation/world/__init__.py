"""The other side of the wire: a simulated exchange and the people who use it.

It is written from the exchanges' documentation and imports nothing of the package that it tests, so
that it shares no assumption with it. A contract in ``setup.cfg`` holds that.
"""
