"""The imperative shell: one verb per module, one public function, its needs as keyword arguments."""
