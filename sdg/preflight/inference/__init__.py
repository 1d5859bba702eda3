"""What stands in the way of a stack's endpoints: places for NIMs, keys, images, models, functions, and endpoints elsewhere."""
