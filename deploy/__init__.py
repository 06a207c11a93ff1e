"""What docker-compose.yml needs besides the image: secrets before its first start, and the first start itself."""
