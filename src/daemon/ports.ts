/** Where every kubelet answers. */
export const kubeletPort = 10250;
