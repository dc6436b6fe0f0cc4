"""Small pieces that several checks share: validators, bounds, words."""
