"""What trains chunks: threads of this process, or processes of their own."""
