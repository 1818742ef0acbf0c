"""What a run is (`run`): validated when it is made, frozen afterwards."""
