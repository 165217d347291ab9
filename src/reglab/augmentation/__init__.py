"""Images shown differently each time: whole batches, on the device, labels and masks and depth moved along."""
