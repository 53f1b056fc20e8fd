"""Layers that prepare data: images, numbers, categories and text. Each module is loaded on first use."""
