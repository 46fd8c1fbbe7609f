"""What somebody might like next, and the model it comes from."""
