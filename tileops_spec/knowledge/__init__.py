"""What is known of TileLang: the reference page, patterns and anti-patterns. Never imports torch or tilelang."""
