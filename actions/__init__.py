"""The hands of tako: a call goes in, an outcome comes out.

Knows the catalogue, the adapters, contacts and the outbox; knows neither the model nor the hardware.
"""
