"""Random junk at the borders: in the tests a bounded number, ``make fuzz`` goes on."""
