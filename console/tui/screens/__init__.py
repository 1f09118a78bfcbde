"""The main screen, and the dialogs that open over it. All of them go on living while another is open."""
