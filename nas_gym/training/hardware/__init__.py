"""What training runs on: devices, processors, and their memory."""
