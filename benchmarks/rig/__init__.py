"""What the benchmarks are made of: who takes part, what is measured, how it is drawn."""
