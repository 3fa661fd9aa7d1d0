"""How a document reaches the user: the formats that he wants, where each goes, and what is said when one fails."""
