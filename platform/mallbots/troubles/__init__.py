"""What chaos does to a mall: a family of troubles a module, and `every.py` that makes a day of them."""
