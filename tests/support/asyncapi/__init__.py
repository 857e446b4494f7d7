"""The AsyncAPI document and the page of topics, generated from the schemas and the table of topics."""
