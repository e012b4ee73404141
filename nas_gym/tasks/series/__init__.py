"""Series: values in order of time, cut into windows, of which what comes next is forecast."""
