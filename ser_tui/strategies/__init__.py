"""What proposes the next trial: gp, tpe, random, grid."""
