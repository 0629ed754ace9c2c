"""The model as a function: from free parameters to implied moments and their derivatives."""
