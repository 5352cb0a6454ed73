"""Two whole turns on this machine, from recorded speech to a delivered email and a spoken answer: `make demo`.

Knows the command line from outside, as a user does, and a mail server and a phone of its own; knows no inside of tako.
"""
