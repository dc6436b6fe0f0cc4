"""What a browser and Prometheus see of the supervisor: the status page and its metrics.

`binding` and `listener` are light; the rest, with Hypercorn and Starlette, is imported when
`status.listen` is set.
"""
