"""What ``portus-scan doctor`` says: facts, how they are gathered, and the page that shows them."""
