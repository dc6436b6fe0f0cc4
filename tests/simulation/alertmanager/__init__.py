"""Alertmanager in virtual time: what it is sent, and what it would have sent out.

It follows the source of 0.25 (Debian 12) and, where `Settings.version` says so, that of 0.28, 0.30,
0.32 and 0.34. `README.md` tells where these differ and what is left out.
"""
