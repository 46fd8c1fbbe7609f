"""What the hidden units of the model stand for, and which of them a user switches on."""
