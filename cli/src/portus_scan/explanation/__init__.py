"""What ``portus-scan explain`` says: `facts.py` and `matching.py` find it (pure), `page.py` shows it to people."""
