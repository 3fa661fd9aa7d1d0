"""Images that lie in folders and archives: read, verified, and served to backends that pull. Imports no aiohttp."""
