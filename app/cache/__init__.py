"""Answers that are kept, and given again for as long as they are true."""
