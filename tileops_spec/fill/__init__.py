"""Bodies from language models: the prompt, the providers, the answer, and the repair of what the gates reject."""
