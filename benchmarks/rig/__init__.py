"""Parts of the benchmarks: programs that take part, measurements, charts."""
