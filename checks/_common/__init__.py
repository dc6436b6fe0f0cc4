"""What checks of every kind share: validators, addresses, deadlines, words."""
