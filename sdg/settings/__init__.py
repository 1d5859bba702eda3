"""Stack settings: what a stack may say under its `sdg:` keys, and one clear sentence for what it may not."""
