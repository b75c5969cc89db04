"""What the tool does, one public function each, told its adapters."""
