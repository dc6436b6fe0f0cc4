"""The model of Alertmanager beside the real one: the same steps in both, and what differs.

A plan has many short sequences. Each has a label `seq` of its own, so that one real Alertmanager
runs all of them at the same time. The model is given the times at which the real one was called.
"""
