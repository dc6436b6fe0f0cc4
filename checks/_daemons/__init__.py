"""What `daemon` judges of the processes that it finds: how many, whose, how old, how large."""
