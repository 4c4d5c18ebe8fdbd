"""The contact sheets: one module an area, each a function from a Studio to pages."""
