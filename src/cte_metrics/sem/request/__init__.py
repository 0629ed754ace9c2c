"""What was asked: the model's options, and what an estimator's name stands for."""
