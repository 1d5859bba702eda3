"""What gets refused: the policy pack `sdg`."""
