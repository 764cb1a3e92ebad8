"""Every span, attribute, metric and log name, and the machinery that emits them."""
