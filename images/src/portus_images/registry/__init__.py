"""The registry's side: references, credentials, manifests, blobs. Importing it imports no aiohttp."""
