"""What a task is: arrays with a fixed, stratified split and a standardisation fitted on training data."""
