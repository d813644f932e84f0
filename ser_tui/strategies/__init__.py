"""What proposes the next trial: gp, tpe, random, grid, and by an extra cma and optuna-tpe."""
